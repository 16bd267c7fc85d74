import { defineConfig } from "sluice";

export default defineConfig({
    sources: [
        {
            match: "20??-???.csv",
            aliases: { event_time: "event_timestamp" },
            timestamps: { format: "yyyy-MM-dd HH:mm:ss 'UTC'" },
            values: { event_type: { cart: "add_to_cart" } },
            deriveEventId: { from: "record" },
        },
    ],
});
