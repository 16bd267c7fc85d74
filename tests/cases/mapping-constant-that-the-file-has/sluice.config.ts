import { defineConfig } from "sluice";

export default defineConfig({
    sources: [
        {
            match: "*.csv",
            constants: { event_type: "view" },
        },
    ],
});
