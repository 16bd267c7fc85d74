/** The products with the highest revenue. */

import { formatMoney } from "../../server/page/format.ts";
import { useResource } from "../../server/page/live/use-resource.ts";
import { Nothing } from "../../server/page/parts/panel.tsx";
import { formatCount } from "../../terminal/format.ts";
import { sanitize } from "../../terminal/sanitize.ts";
import type { TopProductList } from "../api/read-products.ts";

export function TopProducts() {
    const { data, problem } = useResource<TopProductList>("/v1/stats/top-products?limit=6", { everyMs: 5000 });
    const products = data?.data.filter(({ purchases }) => purchases > 0) ?? [];
    const most = Math.max(...products.map(({ revenue }) => Number(revenue)), 1);
    return (
        <div class="tile">
            <h3>Top products</h3>
            {problem && <p class="trouble">{problem.title}.</p>}
            {data && products.length === 0 && <Nothing>No purchase yet.</Nothing>}
            <ol class="bars">
                {products.map(({ productId, purchases, revenue }) => (
                    <li key={productId}>
                        <span class="bar-name" title={formatCount(purchases, "purchase")}>
                            {sanitize(productId, { most: 100 })}
                        </span>
                        <span class="bar-value">{formatMoney(revenue)}</span>
                        <span class="bar-track" aria-hidden="true">
                            <span style={{ width: `${(100 * Number(revenue)) / most}%` }} />
                        </span>
                    </li>
                ))}
            </ol>
        </div>
    );
}
