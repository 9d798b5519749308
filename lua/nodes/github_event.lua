-- github_event: one line of text for an event that GitHub has sent.
local text = require "text"

local function first_line(s)
  return text.cut(tostring(s or ""):match("^[^\r\n]*"), 100)
end

local function branch(ref)
  return (tostring(ref or ""):gsub("^refs/heads/", ""):gsub("^refs/tags/", "tag "))
end

local function thing(kind, action, x)
  return ("%s %s #%s: %s"):format(action or "changed", kind, x and x.number or "?", first_line(x and x.title))
end

-- Each makes the part behind "WHO in REPOSITORY:" of an event; nil: nothing worth a line.
local texts = {
  push = function(e)
    local commits = e.commits or {}
    if e.deleted then return "deleted " .. branch(e.ref) end
    if #commits == 0 then return nil end
    local last = e.head_commit or commits[#commits]
    return ("pushed %d commit%s to %s: %s"):format(#commits, #commits == 1 and "" or "s", branch(e.ref), first_line(last.message))
  end,
  pull_request = function(e)
    local action = e.action == "closed" and e.pull_request and e.pull_request.merged and "merged" or e.action
    return thing("pull request", action, e.pull_request)
  end,
  issues = function(e) return thing("issue", e.action, e.issue) end,
  issue_comment = function(e)
    if e.action ~= "created" then return nil end
    return ("commented on #%s: %s"):format(e.issue and e.issue.number or "?", first_line(e.comment and e.comment.body))
  end,
  release = function(e)
    if e.action ~= "published" then return nil end
    return "released " .. first_line(e.release and (e.release.name or e.release.tag_name))
  end,
  workflow_run = function(e)
    local run = e.workflow_run
    if e.action ~= "completed" or not run then return nil end
    return ("workflow %s on %s: %s"):format(first_line(run.name), branch(run.head_branch), run.conclusion or "?")
  end,
  create = function(e) return ("created %s %s"):format(e.ref_type or "ref", branch(e.ref)) end,
  delete = function(e) return ("deleted %s %s"):format(e.ref_type or "ref", branch(e.ref)) end,
  star = function(e) return e.action == "created" and "starred it" or nil end,
  fork = function(e) return "forked it to " .. (e.forkee and e.forkee.full_name or "?") end,
  ping = function(e) return "says hello: " .. first_line(e.zen) end,
}

---@type weir.Node
return {
  summary = "Makes a line of text of an event that GitHub has sent.",
  output = "{ text, url, event, repository, who }; text is null for what is not worth a line",
  example = '- id: line\n  github_event: { event: "${ request.headers[\'x-github-event\'] }" }\n',

  config = {
    type = "object", required = { "event" }, ["x-weir-shorthand"] = "event",
    properties = {
      event = { type = "string", description = "The name of the event: the header X-GitHub-Event.", examples = { "${ request.headers['x-github-event'] }" } },
    },
  },

  run = function(ctx, input, config)
    if type(input) ~= "table" then return nil, { code = "invalid", message = "an event of GitHub is a map" } end
    local repository = input.repository and input.repository.full_name
    local who = input.sender and input.sender.login or input.pusher and input.pusher.name
    local make = texts[config.event]
    local line = make and make(input)
    local at = input.pull_request or input.issue or input.release or input.workflow_run or input.head_commit or {}
    return {
      event = config.event, repository = repository or weir.null, who = who or weir.null,
      url = at.html_url or at.url or input.compare or input.repository and input.repository.html_url or weir.null,
      text = line and ("%s in %s: %s"):format(who or "somebody", repository or "GitHub", line) or weir.null,
    }
  end,
}
