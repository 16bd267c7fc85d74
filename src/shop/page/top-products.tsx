/** The products with the highest revenue. */
import { formatMoney } from "../../server/page/format.ts";
import { useResource } from "../../server/page/live/use-resource.ts";
import { Bar } from "../../server/page/parts/bar.tsx";
import { Tile } from "../../server/page/parts/tile.tsx";
import { formatCount } from "../../terminal/format.ts";
import { sanitize } from "../../terminal/sanitize.ts";
import type { TopProductList } from "../api/read-products.ts";

export function TopProducts() {
    const { data, problem } = useResource<TopProductList>("/v1/stats/top-products?limit=6", { everyMs: 5000 });
    const products = data?.data.filter(({ purchases }) => purchases > 0) ?? [];
    const most = Math.max(...products.map(({ revenue }) => Number(revenue)), 1);
    return (
        <Tile title="Top products" problem={problem} nothing={data && products.length === 0 && "No purchases yet."}>
            <ol class="bars">
                {products.map(({ productId, purchases, revenue }) => (
                    <li key={productId}>
                        <Bar
                            name={sanitize(productId, { most: 100 })}
                            title={formatCount(purchases, "purchase")}
                            share={Number(revenue) / most}
                        >
                            {formatMoney(revenue)}
                        </Bar>
                    </li>
                ))}
            </ol>
        </Tile>
    );
}
