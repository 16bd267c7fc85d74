import { defineConfig } from "sluice";

export default defineConfig({
    sources: [
        {
            match: "*.csv",
            values: { event_type: { cart: "add_to_cart", buy: "purchase" } },
        },
    ],
});
