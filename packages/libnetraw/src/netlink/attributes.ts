/** Attributes of netlink messages: u16 length (with these 4 bytes), u16 type, value, padded to 4 bytes. */

const HEADER_BYTES = 4;
/** The upper two bits of the type are flags. */
const TYPE_MASK = 0x3fff;

/** Visits the attributes between two offsets; stops at the first that does not fit. */
export function forEachAttribute(
  view: DataView,
  offset: number,
  end: number,
  visit: (type: number, value: Uint8Array) => void,
): void {
  for (let at = offset; at + HEADER_BYTES <= end;) {
    const length = view.getUint16(at, true);
    if (length < HEADER_BYTES || at + length > end) return;
    const type = view.getUint16(at + 2, true) & TYPE_MASK;
    visit(type, new Uint8Array(view.buffer, view.byteOffset + at + HEADER_BYTES, length - HEADER_BYTES));
    at += (length + 3) & ~3;
  }
}

/** A payload: a fixed part, then attributes. */
export function withAttributes(
  fixed: Uint8Array,
  attributes: readonly (readonly [type: number, value: Uint8Array])[],
): Uint8Array {
  const parts = attributes.map(([type, value]) => encodeAttribute(type, value));
  const payload = new Uint8Array(fixed.length + parts.reduce((sum, part) => sum + part.length, 0));
  payload.set(fixed);
  let at = fixed.length;
  for (const part of parts) {
    payload.set(part, at);
    at += part.length;
  }
  return payload;
}

function encodeAttribute(type: number, value: Uint8Array): Uint8Array {
  const bytes = new Uint8Array((HEADER_BYTES + value.length + 3) & ~3);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, HEADER_BYTES + value.length, true);
  view.setUint16(2, type, true);
  bytes.set(value, HEADER_BYTES);
  return bytes;
}

/** A C string in an attribute, without its final zero. */
export function attributeText(value: Uint8Array): string {
  const end = value.indexOf(0);
  return new TextDecoder().decode(end < 0 ? value : value.subarray(0, end));
}
