import { defineConfig } from "sluice";

export default defineConfig({
    sources: [
        {
            match: "*.csv",
            deriveEventId: { from: "record" },
        },
    ],
});
