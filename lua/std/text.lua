-- text: templates, and texts for URLs and chats.
local text = {}

-- Letters of Western languages, as ASCII writes them.
local plain = {
  ["ä"] = "ae", ["ö"] = "oe", ["ü"] = "ue", ["Ä"] = "Ae", ["Ö"] = "Oe", ["Ü"] = "Ue", ["ß"] = "ss",
  ["à"] = "a", ["á"] = "a", ["â"] = "a", ["ã"] = "a", ["å"] = "a", ["æ"] = "ae", ["ç"] = "c",
  ["è"] = "e", ["é"] = "e", ["ê"] = "e", ["ë"] = "e", ["ì"] = "i", ["í"] = "i", ["î"] = "i", ["ï"] = "i",
  ["ñ"] = "n", ["ò"] = "o", ["ó"] = "o", ["ô"] = "o", ["õ"] = "o", ["ø"] = "o", ["œ"] = "oe",
  ["ù"] = "u", ["ú"] = "u", ["û"] = "u", ["ý"] = "y", ["ÿ"] = "y",
  ["À"] = "A", ["Á"] = "A", ["Â"] = "A", ["Ã"] = "A", ["Å"] = "A", ["Æ"] = "Ae", ["Ç"] = "C",
  ["È"] = "E", ["É"] = "E", ["Ê"] = "E", ["Ë"] = "E", ["Ì"] = "I", ["Í"] = "I", ["Î"] = "I", ["Ï"] = "I",
  ["Ñ"] = "N", ["Ò"] = "O", ["Ó"] = "O", ["Ô"] = "O", ["Õ"] = "O", ["Ø"] = "O", ["Ù"] = "U", ["Ú"] = "U", ["Û"] = "U",
}

---Without blanks at both ends.
---@param s string
---@return string
function text.trim(s)
  return (s:match("^%s*(.-)%s*$"))
end

---The pieces of S between SEPARATOR, which is plain text.
---@param s string
---@param separator string
---@return string[]
function text.split(s, separator)
  if separator == "" then error("a separator is needed", 2) end
  local out, at = {}, 1
  while true do
    local from, to = s:find(separator, at, true)
    if not from then break end
    out[#out + 1] = s:sub(at, from - 1)
    at = to + 1
  end
  out[#out + 1] = s:sub(at)
  return out
end

---A part of a URL: letters of a to z, digits, and single dashes between words.
---@param s string
---@param max? integer letters at most; 80
---@return string
function text.slug(s, max)
  s = s:gsub("[\xC3\xC5][\x80-\xBF]", plain):lower():gsub("[^a-z0-9]+", "-")
  s = s:sub(1, max or 80):gsub("^%-", ""):gsub("%-$", "")
  return s
end

---At most N bytes of S, cut at a letter, with "..." at the end if something was left off and there is room
---for more than that.
---@param s string
---@param n integer
---@return string
function text.cut(s, n)
  if #s <= n then return s end
  local dots = n > 3 and "..." or ""
  local to = math.max(n - #dots, 0)
  while to > 0 and (s:byte(to + 1) & 0xC0) == 0x80 do to = to - 1 end
  return s:sub(1, to) .. dots
end

---TEMPLATE with {name} and {a.b} replaced by what VALUES has there; "" where it has nothing. {{ is a brace.
---@param template string
---@param values table
---@return string
function text.fill(template, values)
  local brace = "\1"
  local out = template:gsub("{{", brace):gsub("{([%w_%.]+)}", function(path)
    local v = values
    for part in path:gmatch("[^%.]+") do
      if type(v) ~= "table" then return "" end
      v = v[part] == nil and math.tointeger(tonumber(part)) and v[math.tointeger(tonumber(part))] or v[part]
    end
    if v == nil or v == weir.null then return "" end
    return type(v) == "table" and weir.json.encode(v) or tostring(v)
  end)
  return (out:gsub(brace, "{"))
end

---HTML that shows S.
---@param s string
---@return string
function text.escape_html(s)
  return (s:gsub('[&<>"\']', { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;", ['"'] = "&quot;", ["'"] = "&#39;" }))
end

---S percent-encoded, as a value of a query.
---@param s string
---@return string
function text.escape_url(s)
  return (s:gsub("[^%w%-%._~]", function(c) return string.format("%%%02X", c:byte()) end))
end

return text
