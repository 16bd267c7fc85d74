import { defineConfig } from "sluice";

export default defineConfig({
    sources: [
        {
            match: "*.csv",
            header: ["event_id", "event_type", "product_id", "user_id", "event_timestamp", "quantity", "price"],
        },
    ],
});
