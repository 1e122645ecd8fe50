// A thread of the program, or why there is none: the system bounds how many there may be.
import { Worker, type WorkerOptions } from 'node:worker_threads'
import { AppError, messageOf } from './errors.js'

/** AppError `thread_failed` when none can be begun. */
export function startThread (entry: URL, options: WorkerOptions & { readonly name: string }): Worker {
  try {
    return new Worker(entry, options)
  } catch (error) {
    const hint = 'ulimit -u, TasksMax= of the service and pids.max of its container bound how many there may be'
    throw new AppError('thread_failed', `no thread can be begun for ${options.name}: ${messageOf(error)}; ${hint}`, { cause: error })
  }
}
