// What a TLS server shows, and whose clients it lets in: PEM texts that fit together.

export interface TlsIdentity {
  /** Certificates of the authorities whose clients are let in; '' where none is asked for. */
  readonly ca: string
  /** The server's, followed by intermediate ones if there are any. */
  readonly cert: string
  readonly key: string
  /** The lists of client certificates that are let in no more, one for each authority. */
  readonly crl?: readonly string[]
  /** Their serial numbers, in small letters without zeroes before them. */
  readonly revoked?: ReadonlySet<string>
}
