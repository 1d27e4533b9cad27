/**
 * The first module of a thread. Its own module and what it will load are bundled in parts, which load in a
 * tenth of the time that their sources take; stacks name the lines of the sources. Where no bundle can be
 * made, Node reads the sources itself, from 22.18, or says what is wrong with them.
 */
import module from 'node:module'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { workerData } from 'node:worker_threads'
import { bundled } from './bundle.mjs'

process.setSourceMapsEnabled(true)
module.enableCompileCache?.()

const bundleUrl = async (url) => {
  try {
    return pathToFileURL(await bundled(fileURLToPath(url))).href
  } catch (error) {
    if (process.features.typescript) return url
    throw error
  }
}

const entry = await bundleUrl(workerData.entry)
workerData.modules = await Promise.all(workerData.modules.map(bundleUrl))
await import(entry)
