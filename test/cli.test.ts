/** The command line against a real server: what is printed, what is appended, how it ends. */
import { Packr } from '@headway/schemas/node_modules/msgpackr/index.js'
