import { defineConfig } from "sluice";

export default defineConfig({
    sources: [
        {
            match: "*.csv",
            timestamps: { format: "yyyy-MM-dd HH:mm:ss z" },
        },
    ],
});
