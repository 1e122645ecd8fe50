// Who sends datagrams and who gets them.

export interface Endpoint { readonly address: string, readonly port: number }

export type OnDatagram = (data: Buffer, from: Endpoint) => void
