import { defineConfig } from "../../../src/config/define-config.ts";

export default defineConfig({
    sources: [{ match: "b.csv", values: { event_type: { view: "purchase" } } }],
});
