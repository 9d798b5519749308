---@meta
-- The types of scripts, for the Lua language server: what ctx, weir and the modules of tests have.
-- Put this folder into its setting workspace.library.

---The codes of errors; docs/language.md says what each means and who tries again.
---@alias weir.Code
---| "invalid"
---| "unauthorized"
---| "forbidden"
---| "not_found"
---| "conflict"
---| "too_large"
---| "limited"
---| "unavailable"
---| "upstream"
---| "timeout"
---| "script"
---| "internal"
---| "cancelled"

---An error: the second value that a function returns, or what is thrown.
---@class weir.Error
---@field code weir.Code
---@field message string one sentence for a person
---@field status? integer the HTTP status, if it is not the code's own
---@field retry_after_ms? integer how long a peer wants to be left alone
---@field detail? any more for machines

---A node: what a file in lua/nodes/ returns.
---@class weir.Node
---@field run fun(ctx: weir.Ctx, input: any, config: table): any, weir.Error?
---@field summary? string one sentence, for weir nodes
---@field config? table JSON Schema of the options, with defaults
---@field output? string a phrase: what steps.ID becomes
---@field example? string YAML, as an author would write it
---@field effect? "none"|"idempotent"|"unsafe" what running it twice means; none, and that of what is lent
---@field limits? weir.Limits

---@class weir.Limits
---@field max_instructions? integer
---@field max_memory? integer bytes
---@field max_time? integer ms
---@field max_steps? integer
---@field max_keys? integer
---@field max_items? integer
---@field max_log_lines? integer

---@class weir.Run
---@field id string
---@field pipeline string
---@field attempt integer counts from 1
---@field started_at string
---@field replay_of? string

---The call. Each node that is lent under `uses` is a function here, by its name.
---@class weir.Ctx
---@field run weir.Run
---@field steps table<string, any> outputs of earlier steps; nil for what did not run
---@field [string] fun(input?: any): any, weir.Error?
local ctx = {}

---Runs functions side by side, at most 64; each may wait. A list of what they return (null for nothing), or nil and
---the first error, and then the others are ended.
---@param functions (fun(): any, weir.Error?)[]
---@return any[]? results
---@return weir.Error? err
function ctx.all(functions) end

---Waits.
---@param ms number
function ctx.sleep(ms) end

---Milliseconds since 1970.
---@return integer
function ctx.now() end

---Milliseconds until the deadline of the call; nil: it has none.
---@return integer?
function ctx.deadline() end

---Writes a line to the log, with the ids of run, pipeline and node.
---@param level "debug"|"info"|"warn"|"error"
---@param text string
---@param fields? table<string, any>
function ctx.log(level, text, fields) end

---Pure functions for all scripts.
---@class weirlib
weir = {}

---JSON's null, where nil would leave nothing behind. Reading a null field gives nil.
---@type lightuserdata
weir.null = nil

weir.json = {}

---@param v any
---@return string
function weir.json.encode(v) end

---@param text string
---@return any v
---@return weir.Error? err
function weir.json.decode(text) end

weir.base64 = {}

---@param bytes string
---@return string
function weir.base64.encode(bytes) end

---Takes the alphabet of URLs, too, and text without its "=".
---@param text string
---@return string? bytes
---@return weir.Error? err
function weir.base64.decode(text) end

weir.hex = {}

---@param bytes string
---@return string
function weir.hex.encode(bytes) end

---@param text string
---@return string? bytes
---@return weir.Error? err
function weir.hex.decode(text) end

---The 32 bytes of SHA-256; weir.hex.encode makes text of them.
---@param text string
---@return string
function weir.sha256(text) end

---The bytes of an HMAC.
---@param algorithm "sha1"|"sha256"|"sha512"
---@param key string
---@param text string
---@return string
function weir.hmac(algorithm, key, text) end

---A random UUID, version 4.
---@return string
function weir.uuid() end

---A new map with the fields of A and B; those of B win. The order is A's.
---@param a table
---@param b table
---@return table
function weir.merge(a, b) end

---The part of V at a JSON pointer, "/items/0/name" (items count from 0); nil if there is none.
---@param v any
---@param pointer string
---@return any
function weir.get(v, pointer) end

---Marks a table as a list, so that it is one even if it is empty.
---@generic T: table
---@param t? T
---@return T
function weir.array(t) end

---Throws an error with a code. MORE may have status, retry_after_ms and detail.
---@param code weir.Code
---@param message? string
---@param more? table
function weir.fail(code, message, more) end

---A node in a test.
---@class weir.TestNode
---@field lend table<string, any> by name: a function of the input, a value, or t.never
---@field steps table<string, any> what ctx.steps has
---@field log { level: string, text: string, fields?: table }[] lines that the latest run has logged
---@field asked table<string, any[]> inputs of each lent node in the latest run
---@field run fun(input: any, options?: { deadline?: integer, at?: integer }): any, weir.Error?

---The module weir.test, for files _test.lua.
---@class weir.Test
---@field never any an answer that never comes
local test = {}

---@param name string a sentence that is true
---@param f fun()
function test.test(name, f) end

---Throws unless both are the same value, as JSON has it.
---@param is any
---@param expected any
function test.eq(is, expected) end

---@param value any
---@param why? string
function test.ok(value, why) end

---Throws unless F throws an error with PART in its text.
---@param f fun()
---@param part? string
function test.throws(f, part) end

---For the option `at` of node.run: how far the clock goes on when everything waits.
---@param ms integer
---@return integer
function test.advance(ms) end

---The node of a file beside the test, with its options.
---@param file string
---@param config? table
---@return weir.TestNode
function test.node(file, config) end
