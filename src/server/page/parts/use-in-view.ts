import { useEffect, useRef, useState } from "preact/hooks";

/** Whether the element is on the screen: what is dear to ask for is asked for only then. */
export function useInView<Shown extends HTMLElement>() {
    const ref = useRef<Shown>(null);
    const [isInView, setInView] = useState(false);
    useEffect(() => {
        const observer = new IntersectionObserver(([entry]) => setInView(entry?.isIntersecting ?? false));
        observer.observe(ref.current!);
        return () => observer.disconnect();
    }, []);
    return { ref, isInView };
}
