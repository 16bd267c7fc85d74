import { defineConfig } from "sluice";

export default defineConfig({
    sources: [
        {
            match: "*.csv",
            constants: { event_type: "purchase", price: "9.99" },
            defaults: { quantity: "1", user_id: "nobody" },
        },
    ],
});
