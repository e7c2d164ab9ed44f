// The longest label is that of the head `voice_instrumental`.
const LABEL_COLUMNS = 20;

/** One line of what a person reads of a result. */
export function line(label: string, text: string): string {
  return `  ${label.padEnd(LABEL_COLUMNS)}${text}`;
}
