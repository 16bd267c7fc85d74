/** Runs before the first paint: the theme that was chosen, or the system's. */
const chosen = localStorage.getItem("sluice.theme");
const isDark = chosen === "dark" || (chosen !== "light" && window.matchMedia("(prefers-color-scheme: dark)").matches);
document.documentElement.dataset.theme = isDark ? "dark" : "light";
