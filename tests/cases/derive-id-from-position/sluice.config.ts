import { defineConfig } from "sluice";

export default defineConfig({
    sources: [
        {
            match: "*.csv{,.gz}",
            deriveEventId: { from: "position" },
        },
    ],
});
