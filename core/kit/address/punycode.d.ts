declare module 'punycode.js' {
  const punycode: {
    /** One label without its `xn--`. Throws RangeError. */
    decode(label: string): string
    encode(label: string): string
  }
  export default punycode
}
