import { defineConfig } from "../../../src/config/define-config.ts";

export default defineConfig({
    sources: [
        {
            match: "*.csv",
            timestamps: { zone: "America/New_York", fold: "later" },
        },
    ],
});
