import { defineConfig } from "sluice";

export default defineConfig({
    sources: [{ match: "b.csv", values: { event_type: { view: "purchase" } } }],
});
