import { defineConfig } from "sluice";

export default defineConfig({
    sources: [
        { match: "a-1.csv", values: { event_type: { x: "purchase" } } },
        { match: "a-*.csv", values: { event_type: { x: "add_to_cart" } } },
    ],
});
