-- csv_rows: the rows of a text with commas between its fields.
local csv = require "csv"

local function value(s)
  if s == "" then return weir.null end
  if s == "true" or s == "false" then return s == "true" end
  -- 007 and +1 are texts: numbers are written as JSON has them.
  if s:find("^%-?%d") and not s:find("^%-?0%d") and s:find("^[%d%.eE+-]+$") then return tonumber(s) or s end
  return s
end

---@type weir.Node
return {
  summary = "Reads CSV: a list of maps, by the names in the first line.",
  output = "a list of maps; of lists with `header: false`",
  example = '- csv_rows: { text: "${ request.body }", types: true }\n',

  config = {
    type = "object",
    properties = {
      text = { type = "string", description = "The text; left out, it is the input.", examples = { "${ request.body }" } },
      separator = { type = "string", minLength = 1, maxLength = 1, default = ",", description = "What stands between fields.", examples = { ";" } },
      header = { type = "boolean", default = true, description = "Whether the first line has the names.", examples = { false } },
      types = { type = "boolean", default = false, description = "Whether numbers, true and false become such, and nothing becomes null.", examples = { true } },
      max_rows = { type = "integer", minimum = 1, maximum = 100000, default = 10000, description = "More rows are refused.", examples = { 500 } },
    },
  },

  limits = { max_memory = 64 * 1024 * 1024, max_instructions = 100000000, max_time = 1000 },

  run = function(ctx, input, config)
    local text = config.text or input
    if type(text) ~= "string" then return nil, { code = "invalid", message = "a text is needed" } end
    local rows, err = csv.parse(text, { separator = config.separator, header = config.header })
    if not rows then return nil, err end
    if #rows > config.max_rows then
      return nil, { code = "too_large", message = ("%d rows are more than max_rows, %d"):format(#rows, config.max_rows) }
    end
    if config.types then
      for _, row in ipairs(rows) do
        for k, v in pairs(row) do row[k] = value(v) end
      end
    end
    return rows
  end,
}
