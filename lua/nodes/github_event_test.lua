local t = require "weir.test"

local function line(event, body)
  body.repository = body.repository or { full_name = "ada/engine", html_url = "https://github.com/ada/engine" }
  body.sender = body.sender or { login = "ada" }
  return assert(t.node("github_event.lua", { event = event }).run(body))
end

t.test("a push", function()
  local out = line("push", { ref = "refs/heads/main", commits = { { message = "a" }, { message = "Mend it\n\nlong" } } })
  t.eq(out.text, "ada in ada/engine: pushed 2 commits to main: Mend it")
  t.eq(out.url, "https://github.com/ada/engine")
  t.eq(line("push", { ref = "refs/heads/x", deleted = true, commits = weir.array {} }).text, "ada in ada/engine: deleted x")
  t.eq(line("push", { ref = "refs/tags/v1", commits = weir.array {} }).text, nil)
end)

t.test("a pull request", function()
  local pr = { number = 5, title = "Faster", html_url = "https://github.com/ada/engine/pull/5" }
  local out = line("pull_request", { action = "opened", pull_request = pr })
  t.eq(out.text, "ada in ada/engine: opened pull request #5: Faster")
  t.eq(out.url, pr.html_url)
  pr.merged = true
  t.eq(line("pull_request", { action = "closed", pull_request = pr }).text, "ada in ada/engine: merged pull request #5: Faster")
end)

t.test("issues, releases, workflows and the rest", function()
  t.eq(line("issues", { action = "opened", issue = { number = 1, title = "No" } }).text, "ada in ada/engine: opened issue #1: No")
  t.eq(line("issue_comment", { action = "created", issue = { number = 1 }, comment = { body = "yes\nno" } }).text,
    "ada in ada/engine: commented on #1: yes")
  t.eq(line("release", { action = "published", release = { tag_name = "v1" } }).text, "ada in ada/engine: released v1")
  t.eq(line("workflow_run", { action = "completed", workflow_run = { name = "ci", head_branch = "main", conclusion = "failure" } }).text,
    "ada in ada/engine: workflow ci on main: failure")
  t.eq(line("star", { action = "deleted" }).text, nil)
  t.eq(line("create", { ref = "v2", ref_type = "tag" }).text, "ada in ada/engine: created tag v2")
end)

t.test("an event that is not known has no text", function()
  t.eq(line("meta", {}), { event = "meta", repository = "ada/engine", who = "ada", text = weir.null,
    url = "https://github.com/ada/engine" })
end)

t.test("an event that lacks everything is no error", function()
  local node = t.node("github_event.lua", { event = "pull_request" })
  t.eq(node.run({ action = "opened" }).text, "somebody in GitHub: opened pull request #?: ")
  local _, err = node.run("x")
  t.eq(err.code, "invalid")
end)
