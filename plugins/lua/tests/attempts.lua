-- attempts.lua: what a hostile script may try. Each begins with "--- WHAT: EXPECTED" and is run as the
-- body of a node; EXPECTED is a part of the error's text, "= JSON" for an answer, "a limit", or "a depth": that
-- of C's stack, or a limit if the script lost its turn so often that C's stack was never deep.


--- endless loop: a limit
while true do end
--- endless loop by goto: a limit
::again:: goto again
--- endless loop inside pcall: a limit
while true do pcall(function() while true do end end) end
--- endless recursion of pcall: a limit
local function f() while true do pcall(f) end end
f()
--- endless loop inside xpcall and its handler: a limit
xpcall(function() while true do end end, function() while true do end end)
while true do xpcall(error, function() error("again") end) end
--- endless loop in a comparator of sort: a limit
table.sort({ 3, 2, 1 }, function() while true do end end)
--- a comparator that never agrees with itself: = null
local t = {}
for i = 1, 200 do t[i] = i end
table.sort(t, function() return true end)
--- endless loop in a callback of gsub: a limit
string.gsub("abc", ".", function() while true do end end)
--- endless loop in __index: a limit
local t = setmetatable({}, { __index = function() while true do end end })
return t.x
--- endless loop in __index that gsub reads: a limit
return (string.gsub("abc", ".", setmetatable({}, { __index = function() while true do end end })))
--- endless loop in __index that ipairs reads: a limit
for i in ipairs(setmetatable({}, { __index = function() while true do end end })) do end
--- endless loop in __add beside a text: a limit
return "1" + setmetatable({}, { __add = function() while true do end end })
--- endless loop in __unm of what is no text: a limit
return -setmetatable({}, { __unm = function() while true do end end })
--- a plain text that stands between two windows is found: = [65530,65540,100001,100001,null]
local s = ("a"):rep(65529) .. "0123456789b" .. ("a"):rep(34460) .. "z" .. ("a"):rep(200000)
local from, to = s:find("0123456789b", 1, true)
local z, also = s:find("z", 1, true)
return { from, to, z, also, s:find("zz", 1, true) or weir.null }
--- a list of the engine that is changed in pieces: = [2,100001,7,6]
local v = weir.json.decode("[" .. ("1,"):rep(100000) .. "1]")
v[1] = 2
table.insert(v, 1, 7) v[100003] = 6
return { v[2], #v - 2, v[1], v[#v] }
--- texts count as numbers: = [15,32,-3,8.0,0]
return { "10" + 5, "0x10" * "2", -"3", 2 ^ "3", "7" // 9 }
--- a text that is no number does not: attempt to perform arithmetic on a string value
return "x" + 1
--- a text with many zeros, which takes long to compare: (max_memory
local a, b = ("\0"):rep(1000000), ("\0"):rep(1000000)
while true do local x = a < b end
--- a list of more items than fit an eighth of the memory: (max_memory
local t = {}
for i = 1, 1e9 do t[i] = i end
--- endless loop in __newindex: a limit
setmetatable({}, { __newindex = function() while true do end end }).x = 1
--- endless loop in __eq: a limit
local m = { __eq = function() while true do end end }
return setmetatable({}, m) == setmetatable({}, m)
--- endless loop in __lt inside sort: a limit
local m = { __lt = function() while true do end end }
table.sort { setmetatable({}, m), setmetatable({}, m) }
--- endless loop in __concat: a limit
return setmetatable({}, { __concat = function() while true do end end }) .. "x"
--- endless loop in __len: a limit
return #setmetatable({}, { __len = function() while true do end end })
--- endless loop in __call: a limit
setmetatable({}, { __call = function() while true do end end })()
--- endless loop in __tostring: a limit
return tostring(setmetatable({}, { __tostring = function() while true do end end }))
--- endless loop in __tostring of format: a limit
return string.format("%s", setmetatable({}, { __tostring = function() while true do end end }))
--- endless loop in __tostring of a thrown object: = null
pcall(error, setmetatable({}, { __tostring = function() while true do end end }))
--- an error object with an endless __tostring is thrown: an error without a message
error(setmetatable({}, { __tostring = function() while true do end end }))
--- endless loop in __pairs: a limit
for _ in pairs(setmetatable({}, { __pairs = function() while true do end end })) do end
--- endless iterator: a limit
for _ in function() return 1 end do end
--- endless loop in __unm and arithmetic: a limit
return -setmetatable({}, { __unm = function() while true do end end })
--- a chain of __index without an end: __index' chain too long
local a, b = {}, {}
setmetatable(a, { __index = b })
setmetatable(b, { __index = a })
return a.x
--- an endless loop beside an error in ctx.all, which ends it: = null
ctx.all { function() while true do end end, function() error("x") end }
--- many functions side by side, each endless: a limit
local all = {}
for i = 1, 64 do all[i] = function() while true do end end end
ctx.all(all)
--- functions side by side that begin more of them: more than 256 functions
local function more() return ctx.all { more, more, more, more } end
local _, err = more()
return nil, err
--- a __gc: can't have '__gc'
setmetatable({}, { __gc = function() while true do end end })
--- a __gc that comes later: = null
local m = {}
local t = setmetatable({}, m)
m.__gc = function() while true do end end
t = nil
for i = 1, 1000 do local x = { {}, {} } end
--- a __close: can't have '__close'
setmetatable({}, { __close = function() end })
--- a __close that comes later: got a non-closable value
local m = {}
local t = setmetatable({}, m)
m.__close = function() while true do end end
local x <close> = t
--- a __mode: can't have '__mode'
setmetatable({}, { __mode = "k" })

--- string.rep, a gigabyte: a limit
return #("x"):rep(1 << 30)
--- string.rep without bytes, for ever: = 0
return #(""):rep(1 << 62)
--- string.rep with an overflow: a limit
return #("abc"):rep(1 << 62, "abcdefgh")
--- string.rep in a loop, caught: a limit
while true do pcall(string.rep, "x", 1 << 40) end
--- doubling a string: a limit
local s = "x"
while true do s = s .. s end
--- doubling a string, caught: a limit
while true do pcall(function() local s = "x" while true do s = s .. s end end) end
--- a concatenation of many large strings: a limit
local s = ("x"):rep(1 << 20)
while true do local t = s .. s end
--- comparing large strings: a limit
local a, b = ("x"):rep(1 << 20) .. "a", ("x"):rep(1 << 20) .. "b"
while true do local c = a < b end
--- comparing large strings of zeros: a limit
local a, b = ("\0"):rep(1 << 20) .. "a", ("\0"):rep(1 << 20) .. "b"
while true do local c = a < b end
--- equality of large strings: a limit
local a, b = ("x"):rep(1 << 20) .. "a", ("x"):rep(1 << 20) .. "b"
while true do local c = a == b end
--- a table that grows: a limit
local t = {}
for i = 1, 1e9 do t[i] = i end
--- a table that grows, caught: a limit
while true do pcall(function() local t = {} for i = 1, 1e9 do t[i] = { i } end end) end
--- a table of closures: a limit
local t = {}
while true do local x = #t; t[#t + 1] = function() return x end end
--- too many keys: a limit
local t = {}
for i = 1, 1e9 do t["k" .. i] = true end
--- keys of numbers that fall together: a limit
local t, m = {}, (1 << 18) - 1
for i = 1, 1e9 do t[i * m] = true end
--- keys of floats that fall together: a limit
local t = {}
for i = 1, 1e9 do t[1 + i * 2.0 ^ -45] = true end
--- a full table that makes room again and again: a limit
local t = {}
for i = 1, 4096 do t[1 + i * 2.0 ^ -45] = true end
local k = 4096
while true do t[1 + (k - 4095) * 2.0 ^ -45] = nil; k = k + 1; t[1 + k * 2.0 ^ -45] = true end
--- next over a table that was emptied: a limit
local t = {}
for i = 1, 200000 do t[i] = i end
for i = 1, 200000 do t[i] = nil end
while true do next(t) end
--- memory of the host by json.decode: a limit
local all, text = {}, "[" .. ("[],"):rep(100000) .. "1]"
while true do all[#all + 1] = weir.json.decode(text) end
--- json.encode of a value that is there a million times: a limit
local t = {}
for i = 1, 1000 do t[i] = input end
for i = 1, 8 do t = { t, t, t, t, t, t, t, t } end
return weir.json.encode(t)
--- an output that doubles at each level: a limit
local t = {}
for i = 1, 60 do t = { t, t } end
return t
--- an output that contains itself: more than 64 levels deep
local t = {}
t.t = t
return t
--- an output that is its own input: more than 64 levels deep
input.again = input
return input
--- an argument of a lent node that contains itself: more than 64 levels deep
local t = {}
t.t = t
return ctx.up(t)
--- input handed out a million times: a limit
local t = {}
for i = 1, 300000 do t[i] = input end
return { t, t, t, t, t, t, t, t }

--- a pattern that goes back for ever: a limit
return (("a"):rep(4000)):find(".-.-.-b")
--- a pattern of many options: a limit
return (("a"):rep(28)):find(("a?"):rep(28) .. ("a"):rep(28) .. "b")
--- a pattern of many stars, caught: a limit
while true do pcall(string.find, ("a"):rep(1000), ".*.*.*.*b") end
--- gmatch for ever: a limit
while true do for _ in ("x y z"):gmatch("%a") do end end
--- gsub of a large text by itself: a limit
local s = ("a"):rep(2000)
return #s:gsub("a", s)
--- %b on what has no end: a limit
while true do (("("):rep(10000)):find("%b()") end
--- a pattern of a million items: more than 512 items
return ("x"):find(("a"):rep(100000) .. ".")
--- plain find in a loop: a limit
local s = ("a"):rep(1 << 20)
while true do s:find("b", 1, true) end

--- table.move over a huge range: a limit
table.move({}, 1, 1 << 60, 2)
--- table.move over a huge range, caught: a limit
while true do pcall(table.move, {}, 1, 1 << 60, 2) end
--- table.move past the end of integers: too many elements to move
table.move({}, math.mininteger, math.maxinteger, 1)
--- table.insert in front, again and again: a limit
local t = {}
for i = 1, 1e9 do table.insert(t, 1, i) end
--- table.remove in front, again and again: a limit
local t = {}
for i = 1, 100000 do t[i] = i end
while true do table.insert(t, table.remove(t, 1)) end
--- table.concat with a made-up length: = ""
return table.concat(setmetatable({}, { __len = function() return 1 << 60 end }))
--- table.concat over a huge range: index 1 of 'concat'
return table.concat({}, "", 1, 1 << 60)
--- table.unpack of a huge range: results of 'unpack'
return table.unpack({}, 1, 1 << 60)
--- table.unpack of the whole range: results of 'unpack'
return table.unpack({}, math.mininteger, math.maxinteger)
--- table.unpack, as many as may be, in a loop: a limit
local function f(...) return select("#", ...) end
while true do f(table.unpack({}, 1, 8000)) end
--- varargs that grow: a limit
local function f(...) return f(1, ...) end
f()
--- table.sort of many: a limit
local t = {}
for i = 1, 200000 do t[i] = (i * 7919) % 200003 end
while true do table.sort(t) end
--- string.byte of a large text: more than 8000 results
return (("x"):rep(1 << 20)):byte(1, -1)
--- string.byte in a loop: a limit
local s = ("x"):rep(8000)
while true do s:byte(1, -1) end
--- string.char in a loop: a limit
while true do string.char(table.unpack({ 65, 66, 67, 68 })) end
--- string.format with a huge width: invalid conversion
return string.format("%99999d", 1)
--- string.format with huge arguments: a limit
local s = ("x"):rep(1 << 20)
while true do pcall(string.format, ("%s"):rep(100), table.unpack((function() local t = {} for i = 1, 100 do t[i] = s end return t end)())) end
--- string.format of an address: '%p' is not to be had
return string.format("%p", "x")
--- string.format of an address behind a zero: '%p' is not to be had
return string.format("\0%p", "x")
--- string.format of an address behind zeros and a width: '%p' is not to be had
return string.format("%%\0%s\0%-20p", "x", "x")
--- %q of a large text behind a zero: '%q' takes texts of at most
return string.format("\0%q%q", ("\0"):rep(50000), ("\0"):rep(50000))
--- string.format with a zero where a conversion should be: invalid conversion
return string.format("%\0p", "x")
--- string.format of more arguments than there may be: 'format' takes at most 8000 arguments
local t = {}
for i = 1, 8000 do t[i] = 1 end
return #string.format(("%d"):rep(8001), 1, table.unpack(t))
--- string.format of as many arguments as there may be: = 8000
local t = {}
for i = 1, 8000 do t[i] = 1 end
return #string.format(("%d"):rep(8000), table.unpack(t))
--- string.format of many large numbers: 'format' takes at most 1000 of '%f', '%e' and '%g'
local t = {}
for i = 1, 1001 do t[i] = 1e308 end
return #string.format(("%.99f"):rep(1001), table.unpack(t))
--- string.format of some large numbers: and less of large numbers with many digits
local t = {}
for i = 1, 50 do t[i] = 1e308 end
return #string.format(("%.99f"):rep(50), table.unpack(t))
--- string.format of fewer large numbers: = 16360
local t = {}
for i = 1, 40 do t[i] = 1e308 end
return #string.format(("%.99f"):rep(40), table.unpack(t))
--- string.format of many usual numbers: = 4000
local t = {}
for i = 1, 1000 do t[i] = 1.25 end
return #string.format(("%.2f"):rep(1000), table.unpack(t))
--- string.upper in a loop: a limit
local s = ("x"):rep(1 << 20)
while true do s:upper() end
--- string.reverse and sub in a loop: a limit
local s = ("x"):rep(1 << 20)
while true do s:reverse():sub(2) end
--- utf8.len in a loop: a limit
local s = ("x"):rep(1 << 20)
while true do utf8.len(s) end
--- utf8.codepoint of a large text: more than 8000 results
return utf8.codepoint(("x"):rep(1 << 20), 1, -1)
--- utf8.codes in a loop: a limit
local s = ("x"):rep(1 << 20)
while true do for _ in utf8.codes(s) do end end
--- utf8.offset in a loop: a limit
local s = ("\x80"):rep(1 << 20)
while true do pcall(utf8.offset, "a" .. s, 5) end
--- tonumber of a large text in a loop: a limit
local s = ("1"):rep(1 << 20)
while true do tonumber(s); tonumber(s, 16) end
--- arithmetic on a large text: attempt to perform arithmetic on a string value
local s = ("1"):rep(1 << 20)
while true do local x = s + 1 end
--- sha256 of a large text in a loop: a limit
local s = ("x"):rep(1 << 20)
while true do weir.sha256(s) end
--- base64 in a loop: a limit
local s = ("x"):rep(1 << 19)
while true do weir.base64.decode(weir.base64.encode(s)) end
--- json.decode of more values than there is memory for: a limit
weir.json.decode("[" .. ("{},"):rep(600000) .. "1]")
--- json.decode of the same, caught, in a loop: a limit
local s = "[" .. ("{},"):rep(600000) .. "1]"
while true do pcall(weir.json.decode, s) end
--- json.encode of control characters: a limit
return #weir.json.encode(("\1"):rep(2000000))
--- json.encode of control characters in keys, in a loop: a limit
local t = { [("\1"):rep(200000)] = ("\2"):rep(100000) }
while true do weir.json.encode(t) end
--- json in a loop: a limit
local s = "[" .. ("1,"):rep(100000) .. "1]"
while true do weir.json.encode(weir.json.decode(s)) end
--- merge in a loop: a limit
while true do weir.merge(input, { a = 1 }) end
--- uuid in a loop: a limit
while true do weir.uuid() end
--- string.pack in a loop: a limit
while true do string.unpack("i8", string.pack("i8", 1)) end
--- a string that is packed to a huge size: a limit
return #string.pack("c200000000", "x")
--- math.random of nothing: interval is empty
return math.random(0, -1)

--- deep recursion: a limit
local function f(n) return 1 + f(n + 1) end
return f(1)
--- deep recursion, caught, for ever: a limit
local function f() return pcall(f) end
while true do f() end
--- deep recursion through a metamethod: a depth
local t = setmetatable({}, {})
local m = {}
m.__index = function(t, k) return t[k] end
return setmetatable({}, m).x
--- deep recursion through tostring: a depth
local m = {}
m.__tostring = function(t) return tostring(t) end
return tostring(setmetatable({}, m))
--- deep recursion through gsub: a limit
local function f(s) return (s:gsub(".", f)) end
return f("x")
--- deep recursion through sort: a limit
local function f() table.sort({ 1, 2, 3 }, f) end
f()

--- os: scripts have no 'os'
return os.execute("true")
--- io: scripts have no 'io'
return io.open("/etc/passwd")
--- debug: scripts have no 'debug'
return debug.getregistry()
--- package: scripts have no 'package'
return package.loadlib
--- load: scripts have no 'load'
return load("return 1")
--- dofile: scripts have no 'dofile'
return dofile("/etc/passwd")
--- coroutine: scripts have no 'coroutine'
return coroutine.wrap(function() end)
--- collectgarbage: scripts have no 'collectgarbage'
collectgarbage("stop")
--- _G: scripts have no '_G'
_G.x = 1
--- string.dump: attempt to call a nil value (field 'dump')
return string.dump(function() end)
--- a global variable: 'x' is assigned but is no local variable
x = 1
--- _ENV is not to be written to: table expected
rawset(_ENV, "x", 1)
--- _ENV has no metatable to get at: = null
return getmetatable(_ENV)
--- the metatable of strings is not to be had: = null
return getmetatable("")
--- the string library can't be changed: 'string' can't be changed
string.rep = nil
--- the string library through a method: 'string' can't be changed
local s = string
s.upper = function() end
--- rawset on a library: table expected
rawset(string, "rep", nil)
--- setmetatable on a library: table expected
setmetatable(string, {})
--- setmetatable on the input: table expected
setmetatable(input, { __index = string })
--- a library by next: table expected
return next(string)
--- weir can't be changed: 'weir' can't be changed
weir.json = nil
--- ctx can't be changed: 'ctx' can't be changed
ctx.log = nil
--- the configuration can't be changed: a configuration can't be changed
config.x = 1
--- a node that nobody lent: no node of that name is lent
return ctx.http { url = "http://127.0.0.1:1/" }
--- addresses in tostring: = ["table","function","table","table"]
return { tostring({}), tostring(type), tostring(input), tostring(string) }
--- math.randomseed tells no address: value expected
return math.randomseed()
--- the seed of math.random is not Lua's own, which has an address in it: = false
local function rotl(x, n) return x << n | x >> (64 - n) end
local function s1_of(r) return rotl(r * 0x8E38E38E38E38E39, 57) * 0xCCCCCCCCCCCCCCCD end
local a, b, c, d = s1_of(math.random(0)), s1_of(math.random(0)), s1_of(math.random(0)), s1_of(math.random(0))
local s1, s3 = a, rotl(c ~ d ~ b ~ b << 17 ~ a ~ b ~ a << 17, 19) ~ a
local s2 = s3 ~ b ~ c ~ a ~ a << 17
local s0 = s2 ~ a ~ b
for _ = 1, 16 do
  local x, m = rotl(s3, 19), s1 ~ s2
  s0, s1 = s0 ~ x, m ~ m << 17 ~ m << 34 ~ m << 51
  s2, s3 = s2 ~ s1 << 17 ~ s0, x ~ s1
end
return s1 == 0xff and s3 == 0 and s0 >> 48 == 0 and s2 >> 48 == 0 -- the time, the address
--- require while it runs: modules are required at the top
return require("csv")
--- require of a path: a module's name is of
return require("../../etc/passwd")
--- a lent node from __index that ipairs reads: = {}
for i, v in ipairs(setmetatable({}, { __index = function() return ctx.up {} end })) do return v end
--- the environment of a function as an upvalue: = 1
local _ENV = { y = 1 }
return y
--- a function is no value: a function is no value
return function() end
--- not a number: no number that JSON has
return 0 / 0
--- a key that is no text: neither a list nor a map
return { [true] = 1 }
--- a list with a hole: a list has no holes
return { 1, nil, 3 }
--- an error code that does not exist: there is no error code 'nope'
weir.fail("nope", "x")
--- an error that is thrown as a number: the error 42
error(42)
--- an error that is nil: an error of type nil
error(nil)
--- an error code in another's name: = null
pcall(weir.fail, "internal", "x")
--- log lines without end: a limit
while true do ctx.log("info", "x") end
--- sleeping for ever: 0 to 86400000 ms
ctx.sleep(1e300)
--- sleeping backwards: 0 to 86400000 ms
ctx.sleep(-1)
--- a thousand lent calls: = 1000
local n = 0
for i = 1, 1000 do n = n + (ctx.up(i) and 1 or 0) end
return n
--- bytecode: = "text"
local code = "\27Lua"
return pcall(require, code) and "code" or "text"

--- yield across sort comparator with sleep: = [1,2,3]
local t = { 3, 1, 2 }
table.sort(t, function(a, b) ctx.sleep(0) return a < b end)
return t
--- select huge: a limit
local t = {}
for i = 1, 8000 do t[i] = i end
while true do select(-1, table.unpack(t)) end
--- math.max many: a limit
while true do math.max(table.unpack({ 1, 2, 3 }, 1, 3)) end
--- pcall tower: a limit
local function f(n) if n == 0 then while true do end end return pcall(f, n - 1) end
while true do f(150) end
--- error tower with tostring: a limit
local m = { __tostring = function() error("x") end }
while true do pcall(tostring, setmetatable({}, m)) end
--- metatable chain 1000 deep index: a limit
local t = {}
for i = 1, 1900 do t = setmetatable({}, { __index = t }) end
while true do local x = t.zzz end
--- string keys long: a limit
local t = {}
local s = ("x"):rep(100000)
for i = 1, 1e9 do t[s .. i] = i end
--- json.decode of what is too deep: deeper than 64 levels
error(select(2, weir.json.decode(("["):rep(100) .. ("]"):rep(100))))
--- merge with itself huge: a limit
local t = {}
for i = 1, 1e9 do t = weir.merge(t, { ["k" .. i] = t }) end
--- input grow list: a limit
for i = 1, 1e9 do input.items[i] = i end
--- proxies many: a limit
local all = {}
for i = 1, 1e9 do all[i] = weir.json.decode("{}") end
--- gsub anchored repl table: a limit
while true do ("x"):gsub("^x", { x = "y" }) end
--- gmatch anchored: a limit
while true do for a in ("aaa"):gmatch("^a") do end end
--- rawset loop: a limit
local t = {}
for i = 1, 1e9 do rawset(t, i, i) end
--- next on changing: a limit
local t = {}
while true do for k in pairs(t) do t[k] = nil end t[#t + 1] = 1 end
--- goto continue: a limit
local i = 0
::a:: i = i + 1
if i then goto a end
--- varargs table pack: a limit
local function f(...) local t = table.pack(...) return f(table.unpack(t, 1, t.n), 1) end
f(1)
--- string sub loop: a limit
local s = ("x"):rep(2000000)
while true do local a = s:sub(2) end
--- string concat numbers: a limit
local s = ""
for i = 1, 1e9 do s = s .. i end
--- closures upvalues: a limit
local f = function() end
for i = 1, 1e9 do local g = f; f = function() return g end end
return f
--- deep table nested freeze: a limit
local t = {}
local r = t
for i = 1, 1e9 do t.n = {}; t = t.n end
--- tail call forever: a limit
local function f() return f() end
f()
--- integer for: a limit
for i = math.mininteger, math.maxinteger do end
--- float for: a limit
for i = 1, math.huge do end
--- division: attempt to divide by zero
return 1 // 0
--- huge shift: = 0
return 1 << 100
--- %q of a large text: '%q' takes texts of at most
return string.format("%q", ("x"):rep(500000))
--- %q in a loop: a limit
local s = ("\0"):rep(12000)
while true do string.format("%q", s) end
--- lots of log fields: a limit
local big = {}
for i = 1, 10000 do big[i] = i end
while true do ctx.log("info", "x", { a = big }) end
--- ctx.steps loop: a limit
while true do local x = ctx.steps.before end
--- ctx.run loop: a limit
while true do local x = ctx.run.id end
--- lent big: a limit
local s = ("x"):rep(1000000)
while true do ctx.up(s) end
--- concat with table.concat of big strings: a limit
local s = ("x"):rep(1000000)
local t = {}
for i = 1, 1000 do t[i] = s end
while true do pcall(table.concat, t) end
--- hmac loop big: a limit
local s = ("x"):rep(2000000)
while true do weir.hmac("sha512", s, s) end
--- hex: a limit
local s = ("x"):rep(1000000)
while true do weir.hex.encode(s) end
--- error with big message: xxxx
error(("x"):rep(1000000))
--- fail with big detail: big
local t = {}
for i = 1, 8000 do t[i] = i end
weir.fail("invalid", "big", { detail = t })
--- weir.fail with an endless __newindex: not found
weir.fail("not_found", "not found", setmetatable({}, { __newindex = function() while true do end end }))
--- weir.fail calls no __newindex: = "invalid"
local function never() error("it was called") end
local ok, err = pcall(weir.fail, "invalid", "x", setmetatable({}, { __newindex = never }))
return err.code
--- assert message object: an error of type function
assert(false, function() end)
--- setmetatable cycles cached: a limit
while true do setmetatable({}, { __index = {} }) end
--- tostring -0 nan: = ["-0.0","-nan"]
return { tostring(-0.0), (tostring(0/0):gsub("^nan", "-nan")) }
--- utf8.codes invalid: invalid UTF-8 code
for _ in utf8.codes("\xff") do end
--- utf8 lax: = 1
return utf8.len("\u{7FFFFFFF}", 1, -1, true)
--- string.pack zero: a limit
while true do string.pack("z", ("x"):rep(1000)) end
--- string.format %s many times big table: a limit
local s = ("x"):rep(100000)
while true do string.format("%s%s%s%s", s, s, s, s) end
--- load via string metamethod: attempt to index a nil value
return ("").__index.__index.load("x")
--- getmetatable trick index: = true
return getmetatable(setmetatable({}, { __metatable = false })) == false
--- rawequal proxies: = true
return rawequal(input.items, input.items)
--- ctx in coroutine-like pairs: = 2
local n = 0
for k, v in pairs(setmetatable({}, { __pairs = function() ctx.sleep(0) return next, { 1, 2 } end })) do n = n + 1 end
return n
--- xpcall yields in handler: = ["h",1]
local ok, a, b = xpcall(function() ctx.sleep(0) error("e") end, function(e) ctx.sleep(0) return "h", 1 end)
return { a, b }
--- tostring yields: = "slept"
return tostring(setmetatable({}, { __tostring = function() ctx.sleep(0) return "slept" end }))
--- format yields: = "a slept b"
return string.format("a %s %s", setmetatable({}, { __tostring = function() ctx.sleep(0) return "slept" end }), "b")
--- const env: a limit
local _ENV <const> = { string = string }
while true do local x = string end
--- unpack of a number that is an address: table expected, got number
return table.unpack(0x41414141, 1, 1)
--- unpack of a text: table expected, got string
return table.unpack("text", 1, 1)
--- the step of pairs with a number: map or list of the engine expected, got number
local step = pairs(input) return step(5)
--- the step of pairs with a text: map or list of the engine expected, got string
local step = pairs(input) return step(("x"):rep(40))
--- the step of ipairs with a number: map or list of the engine expected, got number
local step = ipairs(input.items) return step(5, 0)
--- the step of ipairs beyond the largest number: = {}
local step = ipairs(input.items) return { step(input.items, math.maxinteger) }
--- the step of ipairs of a table beyond the largest number: = {}
local step = ipairs {} return { (step({}, math.maxinteger)) }
--- a __call that names its own table: '__call' must be a function
local t, m = {}, {}
m.__call = t
setmetatable(t, m)
return t()
--- ctx.all in vain, a child of it must not wake what waits later: = ["slept","asked"]
local function sleeper() ctx.sleep(3000) end
local many, few = {}, {}
for i = 1, 64 do many[i] = sleeper few[i] = function() end end
local function full() return ctx.all(many) end
local out = {}
local function victim()
  ctx.sleep(20)
  local ok, err = pcall(ctx.all, few)
  if ok or not tostring(err):find("side by side", 1, true) then error("no limit") end
  ctx.sleep(100)
  out[1] = "slept"
  local a = ctx.up("asked")
  out[2] = a
  error("over")
end
ctx.all { full, full, full, victim }
ctx.sleep(50)
return out
--- ctx.all once more after one that failed: = [1]
ctx.all { function() ctx.sleep(50) end, function() error("x") end }
return ctx.all { function() return 1 end }
--- a tree of short strands that fail: a limit
local function node(d) return function()
  if d == 0 then for i = 1, 60 do end error("x") end
  for i = 1, 12 do ctx.all { node(d - 1) } end error("x") end end
ctx.all { node(30) }
--- items that were removed are not gone through for nothing: a limit
local l = weir.json.decode("[" .. ("1,"):rep(20000) .. "1]")
for i = #l, 1, -1 do l[i] = nil end
while true do next(l) end
--- merge of a map that was changed: = {"items":[{"name":"a"},{"name":"b"}],"n":1,"x":1}
input.x = 1
local a, b = weir.merge({}, input), weir.merge(input, {})
a.items, a.n = b.items, b.n
return { n = a.n, x = a.x + b.x - 1, items = a.items }
--- setmetatable takes what the metatable is now: = [null,7]
local m = {}
local before = setmetatable({}, m)
m.__index = { x = 7 }
return { before.x or weir.null, setmetatable({}, m).x }
