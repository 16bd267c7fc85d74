/**
 * The invented shop: its products, their prices, and how popular they are.
 *
 * It doesn't depend on the seed: product_0042 costs the same in every run and in every generator.
 */
import { createRandom, type Random } from "./random.ts";

const productCount = 500;
const userCount = 5_000;

const catalogueSeed = 20_240_101;

export interface Product {
    productId: string;
    /** In the shop's currency, two decimals, as text. */
    price: string;
}

export const products: readonly Product[] = createProducts();
const popularityUpTo = createPopularity();

function createProducts(): Product[] {
    const random = createRandom(catalogueSeed);
    return Array.from({ length: productCount }, (_, index) => ({
        productId: `product_${String(index + 1).padStart(4, "0")}`,
        // From 5.99 to 499.99, most of them cheap.
        price: (Math.floor(5 * 100 ** random.fraction()) + 0.99).toFixed(2),
    }));
}

/** Zipf: the product of rank n is 1/n as popular as the first. Cumulative, scaled to 1. */
function createPopularity(): Float64Array {
    const cumulative = new Float64Array(productCount);
    let sum = 0;
    for (let index = 0; index < productCount; index++) {
        sum += 1 / (index + 1);
        cumulative[index] = sum;
    }
    return cumulative.map((value) => value / sum);
}

/** A product, popular ones more often: the first about once in seven. */
export function drawProduct(random: Random): Product {
    const draw = random.fraction();
    let low = 0;
    let high = productCount - 1;
    while (low < high) {
        const middle = (low + high) >>> 1;
        if (popularityUpTo[middle]! > draw) high = middle;
        else low = middle + 1;
    }
    return products[low]!;
}

export function drawUserId(random: Random): string {
    return `user_${String(random.between(1, userCount)).padStart(5, "0")}`;
}
