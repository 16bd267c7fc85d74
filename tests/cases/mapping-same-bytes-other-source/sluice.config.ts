import { defineConfig } from "sluice";

export default defineConfig({
    sources: [
        { match: "views.csv", constants: { event_type: "view" } },
        { match: "wins.csv", constants: { event_type: "purchase" } },
    ],
});
