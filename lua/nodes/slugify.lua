-- slugify: a text as a part of a URL, such as "gruesse-aus-koeln" for "Grüße aus Köln".
local text = require "text"

---@type weir.Node
return {
  summary = "Makes a part of a URL of a text.",
  output = "{ slug }",
  example = "- slugify: ${ request.body.title }\n",

  config = {
    type = "object", required = { "text" },
    ["x-weir-shorthand"] = "text",
    properties = {
      text = { type = "string", description = "What to make it of.", examples = { "Hello, world" } },
      max = { type = "integer", minimum = 1, maximum = 200, default = 80, description = "Letters at most.", examples = { 40 } },
    },
  },

  run = function(ctx, input, config)
    local slug = text.slug(config.text, config.max)
    if slug == "" then return nil, { code = "invalid", message = "the text has no letter or digit in it" } end
    return { slug = slug }
  end,
}
