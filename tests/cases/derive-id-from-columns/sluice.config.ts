import { defineConfig } from "../../../src/config/define-config.ts";

export default defineConfig({
    sources: [
        {
            match: "*.csv",
            deriveEventId: { from: ["user_id", "product_id", "event_timestamp"] },
        },
    ],
});
