import { defineConfig } from "sluice";

export default defineConfig({
    sources: [
        {
            match: "*.csv",
            timestamps: { format: "d. MMMM yyyy", locale: "de" },
        },
    ],
});
