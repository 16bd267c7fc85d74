import { defineConfig } from "../../../src/config/define-config.ts";

export default defineConfig({
    sources: [
        { match: "a-1.csv", values: { event_type: { x: "purchase" } } },
        { match: "a-*.csv", values: { event_type: { x: "add_to_cart" } } },
    ],
});
