// A file as the answer to a request. One whose first octets can't be read is none: the answer says so, and the log why. What fails later
// breaks the connection off.
import type { FileSender } from '../assets/file-sender.js'
import { sendFile } from '../assets/send-file.js'
import { AppError } from '../base/errors.js'
import type { OpenFile } from '../disk/open-file.js'
import { errorAnswer } from './answer.js'
import type { Arrival } from './arrival.js'

export const fileFailed = errorAnswer(500, '500 Internal Server Error')

/** Closes the file. Without a type its first bytes tell it. */
export async function answerFile (file: OpenFile, arrival: Arrival, type: string | undefined, sender?: FileSender): Promise<void> {
  try {
    await sendFile(file, arrival, type, sender)
  } catch (error) {
    if (!(error instanceof AppError) || arrival.response.headersSent) throw error
    arrival.failed(error.message)
    arrival.send(fileFailed)
  }
}
