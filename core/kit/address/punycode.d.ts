/** The two functions of the package that are used here: Punycode (RFC 3492) of one label, without its `xn--`. */
declare module 'punycode.js' {
  const punycode: {
    /** Throws RangeError. */
    decode(label: string): string
    encode(label: string): string
  }
  export default punycode
}
