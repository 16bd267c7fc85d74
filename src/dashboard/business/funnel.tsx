export function Funnel() {
    return null;
}
