// What a TLS server shows, and whose clients it lets in: PEM texts that fit together.

export interface TlsIdentity {
  /** Certificates of the authorities whose clients are let in; '' where none is asked for. */
  readonly ca: string
  /** The server's, followed by intermediate ones if there are any. */
  readonly cert: string
  readonly key: string
  /** The lists of client certificates that are let in no more, one for each authority. */
  readonly crl?: readonly string[]
  /** Their serial numbers, as `plainSerial` has them. */
  readonly revoked?: ReadonlySet<string>
}

/** A certificate's serial number in hex as it is compared: in small letters, without the octets of zeroes that some show before it. */
export const plainSerial = (serial: string): string => serial.toLowerCase().replace(/^(?:00)+(?=.)/, '')
