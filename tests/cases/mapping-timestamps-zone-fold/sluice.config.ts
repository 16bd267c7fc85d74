import { defineConfig } from "../../../src/config-file/define-config.ts";

export default defineConfig({
    sources: [
        {
            match: "*.csv",
            timestamps: { zone: "America/New_York", fold: "later" },
        },
    ],
});
