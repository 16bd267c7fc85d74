/** What the shop's part of the page takes from the API's answers. */

export interface EventSums {
    events: number;
    quantity: number;
    revenue: string;
}

export interface Stats {
    asOf: string;
    totals: EventSums;
    eventTypes: ({ eventType: string } & EventSums)[];
    series?: { bucket: string; data: ({ bucket: string; eventType: string } & EventSums)[] };
}

export interface ShopEvent {
    eventId: string;
    eventType: string;
    productId: string;
    userId: string;
    eventTimestamp: string;
    quantity: number | null;
    price: string | null;
    createdAt: string;
}

export interface FunnelSteps {
    asOf: string;
    steps: { eventType: string; events: number; shareOfPrevious: number | null }[];
}

export interface TopProductList {
    asOf: string;
    data: { productId: string; purchases: number; revenue: string }[];
}
