/** One of a few, as a row of buttons that the arrow keys walk. */
import type { ComponentChildren } from "preact";

interface ChoiceProps<Value extends string> {
    label: string;
    value: Value;
    onChoose: (value: Value) => void;
    options: readonly { value: Value; label: ComponentChildren; name?: string }[];
}

export function Choice<Value extends string>({ label, value, onChoose, options }: ChoiceProps<Value>) {
    return (
        <fieldset class="choice">
            <legend class="unseen">{label}</legend>
            {options.map((option) => (
                <label key={option.value} title={option.name}>
                    <input
                        type="radio"
                        name={label}
                        value={option.value}
                        checked={value === option.value}
                        onChange={() => onChoose(option.value)}
                    />
                    <span aria-hidden={option.name !== undefined}>{option.label}</span>
                    {option.name && <span class="unseen">{option.name}</span>}
                </label>
            ))}
        </fieldset>
    );
}
