-- csv: tables as text (RFC 4180): fields in quotes may hold separators, line ends and doubled quotes.
local csv = {}

-- The field in quotes that begins at AT; and where the text goes on behind it.
local function quoted(s, at)
  local parts, from = {}, at + 1
  while true do
    local to = s:find('"', from, true)
    if not to then return nil, "a quote is not closed" end
    parts[#parts + 1] = s:sub(from, to - 1)
    if s:byte(to + 1) ~= 34 then return table.concat(parts, '"'), to + 1 end
    from = to + 2
  end
end

-- The fields of the row at AT; and where the next row begins.
local function row(s, at, separator)
  local fields, n = {}, 0
  local line = s:find("\n", at, true) or #s + 1
  while true do
    n = n + 1
    if s:byte(at) == 34 then
      local field, after = quoted(s, at)
      if not field then return nil, after end
      fields[n], at = field, after
      if at > line then line = s:find("\n", at, true) or #s + 1 end
      if s:byte(at) == 13 and at + 1 == line then at = line end
      if at < line and s:sub(at, at) ~= separator then return nil, "something stands behind a quoted field" end
      if at >= line then return fields, line + 1, n end
      at = at + 1
    else
      local to = s:find(separator, at, true)
      if not to or to > line then
        local last = line - 1
        if s:byte(last) == 13 and last >= at then last = last - 1 end
        fields[n] = s:sub(at, last)
        return fields, line + 1, n
      end
      fields[n] = s:sub(at, to - 1)
      at = to + 1
    end
  end
end

---The rows of a text. With a header (the default) a row is a map by its names, else a list.
---@param s string
---@param options? { separator?: string, header?: boolean }
---@return table[]? rows
---@return weir.Error? err
function csv.parse(s, options)
  local separator = options and options.separator or ","
  local with_header = not options or options.header ~= false
  if #separator ~= 1 then error("a separator is one character", 2) end
  local rows, names, at, number = weir.array {}, nil, 1, 0
  if s:sub(1, 3) == "\xEF\xBB\xBF" then at = 4 end
  while at <= #s do
    number = number + 1
    local fields, after, n = row(s, at, separator)
    if not fields then return nil, { code = "invalid", message = ("row %d: %s"):format(number, after) } end
    at = after
    if n == 1 and fields[1] == "" then -- an empty line
    elseif not with_header then
      rows[#rows + 1] = fields
    elseif not names then
      names = fields
    elseif n > #names then
      return nil, { code = "invalid", message = ("row %d has %d fields, the header has %d"):format(number, n, #names) }
    else
      local map = {}
      for i = 1, n do map[names[i]] = fields[i] end
      rows[#rows + 1] = map
    end
  end
  return rows
end

local function written(v, separator)
  if v == nil or v == weir.null then return "" end
  if type(v) == "table" then v = weir.json.encode(v) end
  v = tostring(v)
  if v:find('["\r\n]') or v:find(separator, 1, true) then return '"' .. v:gsub('"', '""') .. '"' end
  return v
end

---The text of rows that are maps, with a header of COLUMNS; lines end in CR LF.
---@param rows table[]
---@param columns string[]
---@param options? { separator?: string, header?: boolean }
---@return string
function csv.write(rows, columns, options)
  local separator = options and options.separator or ","
  local out = {}
  if not options or options.header ~= false then
    local head = {}
    for i, name in ipairs(columns) do head[i] = written(name, separator) end
    out[1] = table.concat(head, separator)
  end
  for _, map in ipairs(rows) do
    local fields = {}
    for i, name in ipairs(columns) do fields[i] = written(map[name], separator) end
    out[#out + 1] = table.concat(fields, separator)
  end
  out[#out + 1] = ""
  return table.concat(out, "\r\n")
end

return csv
