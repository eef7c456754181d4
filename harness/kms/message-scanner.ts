/** A field of a message that is worth keeping, by its number, and how many of its first bytes. */
export type WantedFields = ReadonlyMap<number, number>;

const prefixBytes = 5;
const wireTypes = { varint: 0, fixed64: 1, lengthDelimited: 2, fixed32: 5 } as const;

/**
 * Reads the few small fields that are asked for off a gRPC message while it passes, and keeps nothing else of it: neither the rest of
 * the message nor, once disposed of with its call, those fields. The last of a repeated field wins, as in proto3.
 * Sources: the gRPC wire format's Length-Prefixed-Message, and the Protocol Buffers encoding.
 */
export class MessageScanner {
  #wanted: WantedFields;
  #kept = new Map<number, Buffer>();
  /** Of the message by its prefix; undefined until the prefix is whole. */
  #length: number | undefined;
  #prefix: number[] = [];
  #seenBytes = 0;
  #problem: string | undefined;

  /** The varint that is being read. */
  #value = 0;
  #shift = 0;
  #expects: "tag" | "length" | "varint" | "content" = "tag";
  #field = 0;
  #contentBytes = 0;
  #pieces: Buffer[] = [];
  #keepBytes = 0;

  constructor(wanted: WantedFields) {
    this.#wanted = wanted;
  }

  /** Bytes of the message without its five-byte prefix; 0 where there was none. */
  get messageBytes(): number {
    return this.#length ?? 0;
  }

  /** Why the fields could not be read, or undefined. It quotes nothing of the message. */
  get problem(): string | undefined {
    if (this.#problem !== undefined) return this.#problem;
    if (this.#prefix.length > 0 && this.#length === undefined) return "ends within its prefix";
    if (this.#seenBytes < this.messageBytes) return "ends too early";
    return this.#expects === "tag" && this.#shift === 0 ? undefined : "is no protobuf message";
  }

  /** The first bytes of a field, or undefined where it did not occur. */
  field(field: number): Buffer | undefined {
    return this.#kept.get(field);
  }

  /** The next piece of the DATA frames' content, of any length. */
  push(piece: Buffer): void {
    let at = 0;
    for (; this.#prefix.length < prefixBytes && at < piece.length; at++) this.#prefix.push(piece[at] ?? 0);
    if (this.#prefix.length < prefixBytes) return;
    if (this.#length === undefined) {
      this.#length = Buffer.from(this.#prefix).readUInt32BE(1);
      if (this.#prefix[0] !== 0) this.#problem = "is compressed";
    }
    const message = piece.subarray(at, at + this.#length - this.#seenBytes);
    if (at + message.length < piece.length) this.#problem ??= "is followed by another one";
    this.#seenBytes += message.length;
    if (this.#problem === undefined) this.#scan(message);
  }

  #scan(message: Buffer): void {
    for (let at = 0; at < message.length && this.#problem === undefined; ) {
      if (this.#expects === "content") {
        const content = message.subarray(at, at + this.#contentBytes);
        at += content.length;
        this.#take(content);
      } else {
        this.#takeVarintByte(message[at++] ?? 0);
      }
    }
  }

  #take(content: Buffer): void {
    // A copy: the chunk that it lies in must not be kept alive by it.
    if (this.#keepBytes > 0) this.#pieces.push(Buffer.from(content.subarray(0, this.#keepBytes)));
    this.#keepBytes = Math.max(0, this.#keepBytes - content.length);
    this.#contentBytes -= content.length;
    if (this.#contentBytes === 0) this.#endField();
  }

  #endField(): void {
    if (this.#wanted.has(this.#field)) this.#kept.set(this.#field, Buffer.concat(this.#pieces));
    this.#pieces = [];
    this.#expects = "tag";
  }

  #takeVarintByte(byte: number): void {
    // Only tags and lengths matter, which have 32 bits; what a longer varint holds beyond them is skipped.
    if (this.#shift < 35) this.#value += (byte & 0x7f) * 2 ** this.#shift;
    this.#shift += 7;
    if ((byte & 0x80) !== 0) {
      if (this.#shift >= 70) this.#problem = "is no protobuf message";
      return;
    }
    const value = this.#value;
    this.#value = 0;
    this.#shift = 0;
    if (this.#expects === "tag") this.#beginField(Math.floor(value / 8), value % 8);
    else if (this.#expects === "length") this.#beginContent(value, this.#wanted.get(this.#field) ?? 0);
    else this.#expects = "tag";
  }

  #beginField(field: number, wireType: number): void {
    this.#field = field;
    switch (wireType) {
      case wireTypes.varint:
        this.#expects = "varint";
        break;
      case wireTypes.lengthDelimited:
        this.#expects = "length";
        break;
      case wireTypes.fixed64:
      case wireTypes.fixed32:
        // No field that anybody wants has this type; one with its number is somebody else's.
        this.#field = 0;
        this.#beginContent(wireType === wireTypes.fixed64 ? 8 : 4, 0);
        break;
      default:
        this.#problem = "is no protobuf message";
    }
  }

  #beginContent(bytes: number, keepBytes: number): void {
    this.#expects = "content";
    this.#contentBytes = bytes;
    this.#keepBytes = Math.min(bytes, keepBytes);
    if (bytes === 0) this.#endField();
  }
}
