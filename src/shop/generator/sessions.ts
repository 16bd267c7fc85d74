/**
 * Visits to the invented shop. A user looks at a product before adding it, adds before removing or buying, and buys
 * what is in the cart; in the order of the records and of their timestamps.
 */
import { drawProduct, drawUserId, type Product } from "./catalogue.ts";
import type { EventRecord, EventType } from "./event-record.ts";
import type { Random } from "./random.ts";

interface Session {
    userId: string;
    viewed: Product | null;
    cart: Product[];
    checkingOut: boolean;
    /** How long ago the visit took place when its records arrive. */
    lateBySeconds: number;
    latestSeconds: number;
}

/** Visits that go on at the same time. */
const openSessions = 12;
const maxCart = 5;

const secondsPerHour = 3_600;
const minLateSeconds = secondsPerHour;
const maxLateSeconds = 5 * 24 * secondsPerHour;

/**
 * Returns a function that gives the next record. `seconds` is the moment in which it should lie; a visit's timestamps
 * never go back, nor past the largest `seconds` so far. What is drawn doesn't depend on `seconds`. A share of `lateRatio`
 * belongs to visits of hours to days ago: a phone that was offline.
 */
export function createSessions({ random, lateRatio }: { random: Random; lateRatio: number }) {
    const startLive = () => startSession(random, 0);
    const startLate = () => startSession(random, random.between(minLateSeconds, maxLateSeconds));
    const live = Array.from({ length: openSessions }, startLive);
    const late = lateRatio > 0 ? Array.from({ length: openSessions }, startLate) : [];

    return (seconds: number): EventRecord => {
        const isLate = lateRatio > 0 && random.chance(lateRatio);
        const sessions = isLate ? late : live;
        const place = random.below(openSessions);
        const record = takeStep(random, sessions[place]!, seconds);
        if (isOver(random, sessions[place]!)) sessions[place] = isLate ? startLate() : startLive();
        return record;
    };
}

function startSession(random: Random, lateBySeconds: number): Session {
    const userId = drawUserId(random);
    return { userId, viewed: null, cart: [], checkingOut: false, lateBySeconds, latestSeconds: 0 };
}

function takeStep(random: Random, session: Session, seconds: number): EventRecord {
    session.latestSeconds = Math.max(session.latestSeconds, seconds - session.lateBySeconds);
    const eventType = chooseStep(random, session);
    return toRecord(random, session, eventType, applyStep(random, session, eventType));
}

/** Returns the product that the step is about. */
function applyStep(random: Random, session: Session, eventType: EventType): Product {
    const { cart } = session;
    switch (eventType) {
        case "view":
            session.viewed = drawProduct(random);
            return session.viewed;
        case "add_to_cart":
            cart.push(session.viewed!);
            return session.viewed!;
        case "remove_from_cart":
            return cart.splice(random.below(cart.length), 1)[0]!;
        case "purchase":
            session.checkingOut = true;
            return cart.shift()!;
    }
}

/** Comes to about 65 % views, 20 % added, 12 % bought, 3 % removed. */
function chooseStep(random: Random, session: Session): EventType {
    if (session.checkingOut) return "purchase";
    const draw = random.fraction();
    if (session.cart.length > 0 && draw < 0.12) return "purchase";
    if (session.cart.length > 0 && draw < 0.18) return "remove_from_cart";
    if (canAdd(session) && draw < 0.45) return "add_to_cart";
    return "view";
}

function canAdd({ viewed, cart }: Session): boolean {
    return viewed !== null && cart.length < maxCart && !cart.includes(viewed);
}

/** Everything bought, or gone: soon with an empty cart, seldom with a full one. */
function isOver(random: Random, session: Session): boolean {
    if (session.checkingOut) return session.cart.length === 0;
    return random.chance(session.cart.length === 0 ? 0.15 : 0.05);
}

function toRecord(random: Random, session: Session, eventType: EventType, product: Product): EventRecord {
    const isPurchase = eventType === "purchase";
    return {
        eventId: random.uuid(),
        eventType,
        productId: product.productId,
        userId: session.userId,
        eventSeconds: session.latestSeconds,
        // Half of the purchases are of one piece, a quarter of two, and so on.
        quantity: isPurchase ? String(1 + Math.min(9, Math.clz32(random.uint32()))) : "0",
        price: isPurchase ? product.price : "0",
    };
}
