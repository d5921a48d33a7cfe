-- wrk as the limit: a POST with a body of its own per request, nothing checked.
local n = 0
function request()
  n = n + 1
  return wrk.format("POST", "/orders", {["Content-Type"] = "application/json"},
    string.format('{"customer":"load-%d","event":"evt-1","total":3000}', n))
end
