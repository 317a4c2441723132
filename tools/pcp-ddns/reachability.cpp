#include "tools/pcp-ddns/reachability.h"

#include <algorithm>
#include <utility>

#include "tools/pcp-ddns/records.h"

namespace pcp_ddns {
namespace {

using zones::Reachability;

zones::TransportEndpoint over_tcp(const External& endpoint) {
  return {.protocol = zones::ip_protocol::TCP, .port = endpoint.port, .address = endpoint.address};
}

}  // namespace

zones::Message reachability_question(const zones::Name& owner, const External& endpoint) {
  zones::Message question;
  question.question.push_back({owner, zones::Type::SRV, zones::Class::IN});
  question.edns.emplace().options.push_back(
      {zones::OptionCode::REACHABILITY, zones::reachability_request_data(over_tcp(endpoint))});
  return question;
}

std::optional<zones::ReachabilityAnswer> read_reachability(const zones::Message& response,
                                                           const External& endpoint) {
  const zones::EdnsOption* option =
      response.edns ? response.edns->find(zones::OptionCode::REACHABILITY) : nullptr;
  if (option == nullptr) return std::nullopt;
  const auto answer = zones::read_reachability_answer(option->data);
  if (!answer || answer->endpoint != over_tcp(endpoint)) return std::nullopt;
  return answer;
}

std::string describe(Reachability reached, const External& endpoint) {
  const std::string where = to_text(endpoint);
  switch (reached) {
    case Reachability::ANSWERED:
      return "the server has connected to " + where;
    case Reachability::REFUSED:
      return "the server could not connect to " + where + " (refused): is the service running?";
    case Reachability::SILENT:
      return "the server could not connect to " + where +
             " (no answer): does a firewall let it in?";
    case Reachability::UNKNOWN:
    case Reachability::TRYING:
      break;
  }
  return {};
}

Time ReachabilityWatch::Subject::due() const {
  return waiting ? published + REACHABILITY_DELAYS[asked] : Time::max();
}

void ReachabilityWatch::published(const PublishedEndpoints& news, Time now) {
  // Its answer, if it still comes, is of what was before.
  if (asking_ && asking_->first == news.owner) asking_.reset();
  untried_ = false;
  std::vector<Subject> before;
  std::erase_if(subjects_, [&](const Subject& subject) {
    if (!(subject.owner == news.owner)) return false;
    before.push_back(subject);
    return true;
  });
  auto waiting = static_cast<std::size_t>(std::ranges::count_if(subjects_, &Subject::waiting));
  for (const External& endpoint : news.endpoints) {
    Subject subject{.owner = news.owner, .endpoint = endpoint};
    if (!before.empty()) subject.said = before.back().said;
    const auto same = std::ranges::find(before, endpoint, &Subject::endpoint);
    if (news.is_refresh && same != before.end()) subject.reached = same->reached;
    subject.published = now;
    subject.waiting = waiting++ < MAX_REACHABILITY_WAITING;
    subjects_.push_back(std::move(subject));
  }
}

Time ReachabilityWatch::next() const {
  Time next = Time::max();
  if (asking_) return next;
  for (const Subject& subject : subjects_) next = std::min(next, subject.due());
  return next;
}

std::optional<zones::Message> ReachabilityWatch::begin(Time now) {
  if (asking_) return std::nullopt;
  const auto first = std::ranges::min_element(subjects_, {}, &Subject::due);
  if (first == subjects_.end() || first->due() > now) return std::nullopt;
  asking_.emplace(first->owner, first->endpoint);
  first->waiting = ++first->asked < REACHABILITY_DELAYS.size();
  return reachability_question(first->owner, first->endpoint);
}

std::optional<Report> ReachabilityWatch::answered(const zones::Message& response) {
  untried_ = false;
  if (!asking_) return std::nullopt;
  const auto asked = *std::exchange(asking_, std::nullopt);
  Subject& subject = *std::ranges::find_if(
      subjects_, [&](const Subject& one) { return one.is_of(asked.first, asked.second); });
  const auto answer = read_reachability(response, subject.endpoint);
  untried_ = answer && answer->state == Reachability::UNKNOWN;
  if (!answer) {
    for (Subject& one : subjects_) one.waiting = false;
    return std::nullopt;
  }
  const std::string text = describe(answer->state, subject.endpoint);
  if (text.empty()) return std::nullopt;
  subject.reached = answer->state;
  subject.waiting = false;
  if (std::exchange(subject.said, answer->state) == answer->state) return std::nullopt;
  return Report{
      answer->state == Reachability::ANSWERED ? Report::Level::INFO : Report::Level::WARNING,
      subject.owner.to_text() + ": " + text};
}

void ReachabilityWatch::failed() {
  asking_.reset();
  untried_ = false;
}

Reachability ReachabilityWatch::reached(const zones::Name& owner, const External& endpoint) const {
  const auto found = std::ranges::find_if(
      subjects_, [&](const Subject& one) { return one.is_of(owner, endpoint); });
  return found == subjects_.end() ? Reachability::UNKNOWN : found->reached;
}

}  // namespace pcp_ddns
