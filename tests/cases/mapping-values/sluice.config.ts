import { defineConfig } from "../../../src/config/define-config.ts";

export default defineConfig({
    sources: [
        {
            match: "*.csv",
            values: { event_type: { cart: "add_to_cart", buy: "purchase" } },
        },
    ],
});
