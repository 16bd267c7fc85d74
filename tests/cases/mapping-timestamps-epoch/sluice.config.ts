import { defineConfig } from "sluice";

export default defineConfig({
    sources: [
        {
            match: "*.csv",
            timestamps: { format: "epoch-seconds" },
        },
    ],
});
