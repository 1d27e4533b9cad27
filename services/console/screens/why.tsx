/** Why something is as it is, in a sentence, with what it follows from. */
import { useApi, type Concern } from '../api/cache.ts'
import type { Address } from '../api/client.ts'
import type { Why } from '../api/types.ts'
import { Link, pathOfHref, paths } from '../router.tsx'
import { Card, Loaded } from '../ui/page.tsx'
import { Ago } from '../ui/time.tsx'

export const WhyCard = ({
  path,
  concern,
}: {
  readonly path: Address<Why>
  readonly concern: Concern
}) => {
  const result = useApi(path, concern)
  return (
    <Card title="Why it is as it is">
      <div className="card-body stack">
        <Loaded result={result}>
          {(why) => (
            <>
              <p className="sentence">{why.answer}</p>
              <ul>
                {why.because.map(({ text, since, href, seq }) => {
                  const to = href ? pathOfHref(href) : seq ? paths.commit(seq) : null
                  return (
                    <li key={text + (since ?? '')}>
                      {to ? <Link to={to}>{text}</Link> : text}{' '}
                      {since && (
                        <span className="quiet">
                          <Ago at={since} />
                        </span>
                      )}
                    </li>
                  )
                })}
              </ul>
              {why.next && (
                <p>
                  Next: {why.next.text} {why.next.at && <Ago at={why.next.at} />}
                </p>
              )}
            </>
          )}
        </Loaded>
      </div>
    </Card>
  )
}
