export function TopProducts() {
    return null;
}
