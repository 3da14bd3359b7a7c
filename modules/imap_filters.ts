import type { FilterVerdict } from '../core/index.ts'
import { custom, Directive, defineModule, ImapFilter } from '../core/index.ts'
