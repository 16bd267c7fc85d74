import { defineConfig } from "sluice";

export default defineConfig({
    sources: [
        {
            match: "*.csv",
            timestamps: { zone: "America/New_York", fold: "later" },
        },
    ],
});
